// Numbers as people read them.

import Foundation

/// A number with a fixed count of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
    String(format: "%.\(decimals)f", value)
}

/// A number in scientific notation with three digits.
func scientific(_ value: Double) -> String {
    String(format: "%.2e", value)
}

/// A share in percent with one decimal: a test of some hundred items tells them apart.
func percentText(_ share: Double) -> String { fixed(100 * share, 1) + " %" }
