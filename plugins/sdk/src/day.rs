//! Days, counted since 1970-01-01 in the store's own zone, as `context.day` has them.

/// The day of a date like `2026-11-21` in the Gregorian calendar; nothing for what is no date.
pub fn parse(date: &str) -> Option<i32> {
    let mut parts = date.splitn(3, '-').map(|part| {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { part.parse::<i32>().ok() } else { None }
    });
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let in_range = (1970..=9999).contains(&year) && (1..=12).contains(&month);
    if !in_range || !(1..=month_days(year, month)).contains(&day) {
        return None;
    }
    // Years that begin in March put the day that leap years have more at their end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_year = 365 * year + year / 4 - year / 100 + year / 400;
    // Days from the first of March of year 0 to the first of January 1970.
    const EPOCH: i32 = 719_468;
    Some(before_year + (153 * month + 2) / 5 + day - 1 - EPOCH)
}

fn month_days(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn dates_are_days_since_1970() {
        assert_eq!(parse("1970-01-01"), Some(0));
        assert_eq!(parse("2000-02-29"), Some(11_016));
        assert_eq!(parse("2026-11-21"), Some(20_778));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in
            ["", "2026", "2026-13-01", "2026-02-29", "2026-11-31", "2026-+1-01", "1969-12-31", "x-y-z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut last = parse("1970-01-01").unwrap() - 1;
        for year in 1970..2110 {
            for month in 1..=12 {
                for day in 1..=super::month_days(year, month) {
                    let now = parse(&format!("{year}-{month:02}-{day:02}")).unwrap();
                    assert_eq!(now, last + 1);
                    last = now;
                }
            }
        }
    }
}
