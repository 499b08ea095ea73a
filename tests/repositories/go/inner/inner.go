// Package inner is another package.
package inner

// One is 1.
func One() int { return 1 }
