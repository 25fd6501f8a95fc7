// Products whose rows are worked on as soon as they are finished: bias, activation, dropout, residual
// and normalisation then find C in the cache, and no pass over memory of their own is needed.

extension Compute {
    /// As `gemm(_:transposed:_:into:accumulate:bias:scale:)`, then `epilogue` over all rows of C.
    ///
    /// - Parameter epilogue: Called, maybe from several threads, with ranges of rows that are
    ///   finished; the ranges are disjoint and cover all rows. What it writes may depend on its rows
    ///   alone.
    public func gemm(
        _ a: some ProductOperand, transposed transposeA: Bool = false, _ b: PackedMatrix,
        into c: Matrix, accumulate: Bool = false, bias: Matrix? = nil, scale: Float = 1,
        epilogue: (_ rows: Range<Int>) -> Void
    ) {
        check(b)
        withoutActuallyEscaping(epilogue) { epilogue in
            multiply(
                Operand(a, transposed: transposeA), .packed(b), into: c,
                accumulate: accumulate, bias: bias, scale: scale, epilogue: epilogue)
        }
    }

    /// Whether a product over so many k, added to C, gives the bits of the product computed apart and
    /// then added: it does where k is one run, whose sum goes from registers to C in one addition.
    public func addsInOneRun(_ k: Int, precision: Precision = .float32) -> Bool {
        k > 0 && GEMMRuns(k, PanelFormat(kernels: kernels, precision: precision)).count == 1
    }
}
