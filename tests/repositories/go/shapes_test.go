package shapes

import "testing"

func TestSquare(t *testing.T) {
	if Area(2, 2) != 4 {
		t.Fatal("a square")
	}
}

func TestArea(t *testing.T) {
	for name, c := range map[string][3]int{"flat": {0, 0, 0}, "wide": {5, 2, 10}} {
		t.Run(name, func(t *testing.T) {
			if got := Area(c[0], c[1]); got != c[2] {
				t.Errorf("got %d, want %d", got, c[2])
			}
		})
	}
}
