// What would end a run later, or leave it without labels, looked at while it is planned: files that the
// labelling reads, the folder that it writes, answers that were never recorded, caps that leave no room.

import Corpus
import Foundation
import Teacher

/// Looks ahead of a run.
enum LabellingChecks {
    /// Refuses gold texts that aren't there or can't be read.
    static func checkCalibration(_ recipe: Recipe) throws {
        guard !recipe.teacher.calibration.isEmpty else { return }
        _ = try RunInputs.read(recipe.teacher.calibration, recipe.data, labelRequired: true)
    }

    /// Refuses a folder in which nothing can be written; it need not be there yet.
    static func checkFolder(_ path: String) throws {
        let files = FileManager.default
        var nearest = URL(fileURLWithPath: path).path
        while !files.fileExists(atPath: nearest), nearest != "/" {
            nearest = (nearest as NSString).deletingLastPathComponent
        }
        var isFolder: ObjCBool = false
        _ = unsafe files.fileExists(atPath: nearest, isDirectory: &isFolder)
        guard isFolder.boolValue, files.isWritableFile(atPath: nearest) else {
            throw MethodError(
                .unusableFolder,
                "\(path): can't be written: \(nearest) "
                    + (isFolder.boolValue ? "takes no files of ours" : "is a file")
                    + "; set output_dir elsewhere")
        }
    }

    /// Caps that labelling will meet, as lines for people.
    ///
    /// - Parameters:
    ///   - spent: What earlier calls have spent.
    ///   - likely: What is likely still to come: money in millionths, tokens, requests.
    static func budget(
        _ budget: Recipe.BudgetOptions, spent: LedgerTotals,
        likely: (micro: Double?, tokens: Double, requests: Double)
    ) -> [String] {
        func line(_ name: String, _ cap: Double?, _ spent: Int64, _ more: Double?) -> String? {
            guard let cap, let more, more > 0, Double(spent) + more > cap else { return nil }
            if Double(spent) >= cap {
                return "\(name) is spent already: nothing can be asked until it is raised"
            }
            return "\(name) will be reached before the end"
        }
        return [
            line(
                "usd \(budget.usd ?? 0)", budget.usd.map { $0 * 1e6 }, spent.priceMicro,
                likely.micro),
            line(
                "tokens \(budget.tokens ?? 0)", budget.tokens.map { Double($0) },
                spent.chargedTokens, likely.tokens),
            line(
                "requests \(budget.requests ?? 0)", budget.requests.map { Double($0) },
                spent.chargedRequests, likely.requests),
        ].compactMap { $0 }
    }
}
