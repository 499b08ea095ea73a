//! Counts rungs.

/// Rungs of a ladder.
///
/// ```
/// assert_eq!(ladder::rungs(0), 0);
/// ```
pub fn rungs(height: u32) -> u32 {
    height / 3
}

#[cfg(test)]
mod tests {
    #[test]
    fn short() {
        assert_eq!(super::rungs(3), 1);
    }
}
