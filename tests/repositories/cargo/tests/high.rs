#[test]
fn rounds_up() {
    assert_eq!(ladder::rungs(7), 3);
}

#[test]
fn exact() {
    assert_eq!(ladder::rungs(9), 3);
}
