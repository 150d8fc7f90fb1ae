// A percentage off some goods at some hours of some days.
//
// Amounts are 64 bits wide, which is `BigInt` here: money never becomes a float. What is thrown is the failure of the contract.

/** A setting that must be there. */
function required(settings, key) {
  const found = settings.find((setting) => setting.key === key);
  if (!found) throw { reason: `setting \`${key}\` is missing` };
  return found.value;
}

/** A whole number within bounds. */
function whole(settings, key, from, to) {
  const text = required(settings, key);
  if (!/^\d{1,9}$/.test(text) || Number(text) < from || Number(text) > to) {
    throw { reason: `setting \`${key}\` cannot be \`${text}\`` };
  }
  return Number(text);
}

/** The entries of a list: `weekdays.0`, `weekdays.1`. */
function list(settings, key) {
  return settings.filter((setting) => setting.key.startsWith(`${key}.`)).map((setting) => setting.value);
}

/** `amount × numerator / denominator`, rounded half away from zero; amounts here are not below zero. */
function ratio(amount, numerator, denominator) {
  return (2n * amount * numerator + denominator) / (2n * denominator);
}

export function promote({ context, lines, soFar }) {
  const { settings, minuteOfDay, weekday } = context;
  const category = required(settings, "category");
  const percent = BigInt(whole(settings, "percent", 1, 100));
  const reason = required(settings, "reason");
  const [from, to] = [whole(settings, "from-minute", 0, 1440), whole(settings, "to-minute", 0, 1440)];
  const days = list(settings, "weekdays");
  if (minuteOfDay < from || minuteOfDay >= to || !days.includes(String(weekday))) return [];
  // A line on which somebody else gave something has its offer already.
  const taken = new Set(soFar.map((given) => given.line));
  return lines
    .filter((line) => line.product.category === category && !taken.has(line.number))
    .map((line) => ({ line: line.number, amount: ratio(ratio(line.unitPrice, line.quantity, 1000n), percent, 100n), reason }))
    .filter((discount) => discount.amount > 0n)
    .map((val) => ({ tag: "line-discount", val }));
}
