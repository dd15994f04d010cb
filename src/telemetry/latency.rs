//! How long something takes, by this process's own histogram of it.

/// What a histogram says, all its labels together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// How often it was measured, since this process started.
    pub count: u64,
    /// The mean, in seconds.
    pub mean: f64,
    /// Half took no longer than this, in seconds: the upper bound of their bucket.
    pub median: f64,
    /// 95 of 100 took no longer than this, in seconds; infinite when it lies beyond the last bucket.
    pub p95: f64,
}

/// What the histogram of this name says; `None` when nothing was measured.
#[must_use]
pub fn latency(histogram: &str) -> Option<Latency> {
    read(&super::metrics_page(), histogram)
}

/// Reads it from the page that Prometheus reads: the recorder has no other way to ask.
fn read(page: &str, histogram: &str) -> Option<Latency> {
    let (mut sum, mut count) = (0.0, 0_u64);
    let mut buckets: Vec<(f64, u64)> = Vec::new();
    for line in page.lines() {
        let Some(rest) = line.strip_prefix(histogram) else { continue };
        let Some((key, value)) = rest.rsplit_once(' ') else { continue };
        let Ok(value) = value.parse::<f64>() else { continue };
        if key.starts_with("_sum") {
            sum += value;
        } else if key.starts_with("_count") {
            count += value as u64;
        } else if let Some(bound) = bound(key) {
            match buckets.iter_mut().find(|(known, _)| *known == bound) {
                Some((_, number)) => *number += value as u64,
                None => buckets.push((bound, value as u64)),
            }
        }
    }
    if count == 0 {
        return None;
    }
    buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let share = |share: f64| {
        let enough = (count as f64 * share).ceil() as u64;
        buckets.iter().find(|(_, number)| *number >= enough).map_or(f64::INFINITY, |(bound, _)| *bound)
    };
    Some(Latency { count, mean: sum / count as f64, median: share(0.5), p95: share(0.95) })
}

/// The upper bound in `_bucket{call="x",le="0.5"}`.
fn bound(key: &str) -> Option<f64> {
    let (_, rest) = key.strip_prefix("_bucket")?.split_once("le=\"")?;
    let (bound, _) = rest.split_once('"')?;
    if bound == "+Inf" { Some(f64::INFINITY) } else { bound.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# TYPE x_seconds histogram
x_seconds_bucket{call=\"a\",le=\"0.1\"} 6
x_seconds_bucket{call=\"a\",le=\"1\"} 8
x_seconds_bucket{call=\"a\",le=\"+Inf\"} 8
x_seconds_sum{call=\"a\"} 2
x_seconds_count{call=\"a\"} 8
x_seconds_bucket{call=\"b\",le=\"0.1\"} 0
x_seconds_bucket{call=\"b\",le=\"1\"} 2
x_seconds_bucket{call=\"b\",le=\"+Inf\"} 2
x_seconds_sum{call=\"b\"} 1
x_seconds_count{call=\"b\"} 2
";

    #[test]
    fn the_labels_of_a_histogram_are_read_together() {
        let latency = read(PAGE, "x_seconds").unwrap();
        assert_eq!(latency, Latency { count: 10, mean: 0.3, median: 0.1, p95: 1.0 });
        assert_eq!(read(PAGE, "y_seconds"), None);
    }
}
