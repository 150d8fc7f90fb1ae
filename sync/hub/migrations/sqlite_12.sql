-- Sales by time: what business metrics are read from. 513 is `SaleRecorded`.
CREATE INDEX events_sales ON events (store, hlc, class, log, seq) WHERE kind = 513 AND is_again = 0;

-- Since when a node has something new to say: whoever has waited longest is heard first.
ALTER TABLE node_reports ADD COLUMN news_at_ms INTEGER NOT NULL DEFAULT 0;
DROP INDEX node_reports_news;
CREATE INDEX node_reports_news ON node_reports (news_at_ms, store, node) WHERE is_news = 1;
