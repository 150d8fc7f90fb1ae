// A percentage off some goods at some hours of some days.
//
// Amounts and quantities come as numbers, which are exact up to 2^53; what is beyond is refused, and what is counted with is `BigInt`.
// What is thrown is the failure of the contract.

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

/** A whole number that is what it looks like. */
function exact(number) {
  if (!Number.isSafeInteger(number)) throw { reason: "an amount is beyond what can be counted exactly" };
  return BigInt(number);
}

/** `amount × numerator / denominator`, rounded half away from zero; amounts here are not below zero. */
function ratio(amount, numerator, denominator) {
  return (2n * amount * numerator + denominator) / (2n * denominator);
}

/** What a part of a line comes to. */
function share({ unitPrice, quantity }, percent) {
  const cost = ratio(exact(unitPrice), exact(quantity), 1000n);
  const amount = Number(ratio(cost, percent, 100n));
  exact(amount);
  return amount;
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
    .map((line) => ({ line: line.number, amount: share(line, percent), reason }))
    .filter((discount) => discount.amount > 0)
    .map((val) => ({ tag: "line-discount", val }));
}
