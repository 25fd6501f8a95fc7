// Divergences of rows in this instruction set; what may stand here is said in Exports.swift.
// The names and the documentation are those of the C header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

public import CKernels
import KernelSource

@c @implementation
public func retort_baseline_divergence_inputs(
    _ scores: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>,
    _ student: UnsafeMutablePointer<Float>, _ other: UnsafeMutablePointer<Float>, _ n: Int,
    _ scale: Float, _ masks: Int32, _ pair: UnsafeMutablePointer<retort_row_pair>
) {
    var (studentMaximum, teacherMaximum): (Float, Float) = (0, 0)
    divergenceInputs(
        V.self, scores, teacher, student, other, n, scale: scale, masks: masks != 0,
        studentMaximum: &studentMaximum, teacherMaximum: &teacherMaximum)
    pair.pointee.student_maximum = studentMaximum
    pair.pointee.teacher_maximum = teacherMaximum
}

@c @implementation
public func retort_baseline_divergence_terms(
    _ student: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>, _ n: Int,
    _ pair: UnsafePointer<retort_row_pair>, _ terms: UnsafeMutablePointer<Double>
) {
    divergenceTerms(
        V.self, student, teacher, n, studentMaximum: pair.pointee.student_maximum,
        teacherMaximum: pair.pointee.teacher_maximum, terms: terms)
}

@c @implementation
public func retort_baseline_forward_gradient(
    _ student: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, _ n: Int, _ pair: UnsafePointer<retort_row_pair>,
    _ scale: Float
) {
    forwardGradient(
        V.self, student, teacher, gradient, n, studentMaximum: pair.pointee.student_maximum,
        teacherMaximum: pair.pointee.teacher_maximum, studentFactor: pair.pointee.student_factor,
        teacherFactor: pair.pointee.teacher_factor, scale: scale)
}

@c @implementation
public func retort_baseline_reverse_gradient(
    _ student: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, _ n: Int, _ pair: UnsafePointer<retort_row_pair>,
    _ center: Float, _ scale: Float
) {
    reverseGradient(
        V.self, student, teacher, gradient, n, studentMaximum: pair.pointee.student_maximum,
        teacherMaximum: pair.pointee.teacher_maximum, studentFactor: pair.pointee.student_factor,
        center: center, scale: scale)
}

@c @implementation
public func retort_baseline_mixture_terms(
    _ student: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>, _ n: Int,
    _ pair: UnsafePointer<retort_row_pair>, _ beta: Float, _ terms: UnsafeMutablePointer<Double>
) {
    mixtureTerms(
        V.self, student, teacher, n, studentMaximum: pair.pointee.student_maximum,
        teacherMaximum: pair.pointee.teacher_maximum, logRatio: pair.pointee.log_ratio,
        beta: beta, terms: terms)
}

@c @implementation
public func retort_baseline_mixture_gradient(
    _ student: UnsafePointer<Float>, _ teacher: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, _ n: Int, _ pair: UnsafePointer<retort_row_pair>,
    _ beta: Float, _ center: Float, _ scale: Float
) {
    mixtureGradient(
        V.self, student, teacher, gradient, n, studentMaximum: pair.pointee.student_maximum,
        teacherMaximum: pair.pointee.teacher_maximum, studentFactor: pair.pointee.student_factor,
        logRatio: pair.pointee.log_ratio, beta: beta, center: center, scale: scale)
}
