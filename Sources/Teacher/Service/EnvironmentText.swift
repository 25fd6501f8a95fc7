// Texts of a recipe in which `${NAME}` stands for an environment variable: secrets, which must not stand
// in a file, and addresses that differ from node to node.

import Foundation

enum EnvironmentText {
    /// The text with every `${NAME}` replaced.
    ///
    /// - Parameters:
    ///   - key: The recipe's key, for errors.
    ///   - lookUp: Gives the value of a variable.
    ///
    /// Throws `.configuration`, with the variable's name, if one isn't set or a brace isn't closed.
    static func expanded(
        _ text: String, key: String, lookUp: (String) -> String? = variable
    ) throws(TeacherError) -> String {
        var expanded = ""
        var rest = text[...]
        while let open = rest.range(of: "${") {
            guard let close = rest[open.upperBound...].firstIndex(of: "}") else {
                throw TeacherError(
                    .configuration,
                    "the teacher's \(key) has '${' without '}': write ${NAME_OF_A_VARIABLE}")
            }
            let name = String(rest[open.upperBound..<close])
            guard let value = lookUp(name), !value.isEmpty else {
                throw TeacherError(
                    .configuration,
                    "the teacher's \(key) is taken from the environment variable '\(name)', which"
                        + " isn't set: export \(name)=... where the job is started (mpirun passes"
                        + " it on to other hosts with -x \(name))")
            }
            expanded += rest[..<open.lowerBound] + value
            rest = rest[rest.index(after: close)...]
        }
        return expanded + rest
    }

    /// A variable of this process.
    static func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }
}
