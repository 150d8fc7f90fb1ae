"""What paho-mqtt expects of a broker, one module for each theme, one function for each case."""
