// The weights of a model folder in one file (`model.safetensors`) or in several that an index names
// (`model.safetensors.index.json`). Files are mapped: opening costs their headers.

import Foundation
import Safetensors
import TensorCore

/// The tensors of a model folder by name.
struct WeightFiles: Sendable {
    /// The file that errors name: the only one, or the index.
    let path: String
    /// The names of all tensors, file by file in the order of their bytes.
    let names: [String]
    private let files: [SafetensorsFile]
    private let fileOfTensor: [String: Int]

    /// Opens the weights of a folder.
    init(folder: String) throws(ModelError) {
        let single = "\(folder)/model.safetensors"
        let index = "\(single).index.json"
        let manager = FileManager.default
        if !manager.fileExists(atPath: single), manager.fileExists(atPath: index) {
            try self.init(index: index, folder: folder)
        } else {
            try self.init(single: single)
        }
    }

    private init(single: String) throws(ModelError) {
        let file = try Self.open(single)
        path = single
        files = [file]
        names = file.names
        fileOfTensor = Dictionary(uniqueKeysWithValues: names.map { ($0, 0) })
    }

    private init(index: String, folder: String) throws(ModelError) {
        let json = try JSONFields(path: index)
        guard let map = json.members["weight_map"] as? [String: String], !map.isEmpty else {
            throw ModelError(
                .malformed, "\(index): 'weight_map' is missing or not a map of texts to texts")
        }
        var files: [SafetensorsFile] = []
        var names: [String] = []
        var fileOfTensor: [String: Int] = [:]
        for name in Set(map.values).sorted() {
            guard !name.contains("/"), name.hasSuffix(".safetensors") else {
                throw ModelError(
                    .malformed, "\(index): '\(name)' is not a .safetensors file of this folder")
            }
            let file = try Self.open("\(folder)/\(name)")
            for tensor in file.names where map[tensor] == name {
                fileOfTensor[tensor] = files.count
                names.append(tensor)
            }
            files.append(file)
        }
        if let lost = map.keys.sorted().first(where: { fileOfTensor[$0] == nil }) {
            throw ModelError(
                .malformed,
                "\(index): tensor '\(lost)' is not in '\(map[lost] ?? "")'; download both again")
        }
        path = index
        self.files = files
        self.names = names
        self.fileOfTensor = fileOfTensor
    }

    private static func open(_ path: String) throws(ModelError) -> SafetensorsFile {
        do {
            return try SafetensorsFile(path: path)
        } catch {
            let hint =
                error.code == .unreadable ? "; a folder wants weights in safetensors form" : ""
            throw ModelError(
                error.code == .malformed ? .malformed : .missing, "\(error.message)\(hint)")
        }
    }

    /// Whether a tensor of that name is there.
    func contains(_ name: String) -> Bool { fileOfTensor[name] != nil }

    /// The tensor of a name, which must have the given shape and hold float32, bfloat16 or float16.
    func entry(_ name: String, shape: [Int]) throws(ModelError) -> TensorEntry {
        guard let index = fileOfTensor[name] else {
            throw ModelError(.malformed, "\(path): tensor '\(name)' \(shape) is missing")
        }
        let file = files[index]
        do {
            let entry = try file.entry(name)
            guard entry.shape == shape else {
                throw ModelError(
                    .malformed,
                    "\(file.path): tensor '\(name)' is \(entry.shape), the model wants \(shape); "
                        + "does config.json belong to it?")
            }
            guard [.float32, .bfloat16, .float16].contains(entry.dataType) else {
                throw ModelError(
                    .unsupported,
                    "\(file.path): tensor '\(name)' holds \(entry.dataType.rawValue); weights must "
                        + "be F32, BF16 or F16")
            }
            return entry
        } catch let error as ModelError {
            throw error
        } catch {
            throw ModelError(.malformed, "\(error)")
        }
    }

    /// Refuses tensors that are neither wanted nor known to hold no weights.
    func refuseUnknown(wanted: Set<String>, ignoring isIgnored: (String) -> Bool) throws(ModelError)
    {
        let unknown = names.filter { !wanted.contains($0) && !isIgnored($0) }
        guard let first = unknown.first else { return }
        let others = unknown.count > 1 ? " and \(unknown.count - 1) more" : ""
        throw ModelError(
            .malformed,
            "\(path): tensor '\(first)'\(others) has no place in this model; does config.json "
                + "belong to it?")
    }

    /// Gives the memory that reading took back to the system.
    func releasePages() {
        for file in files { file.releasePages() }
    }
}

extension TensorEntry {
    /// Writes rows of a matrix, or a whole vector as one row, as floats.
    func copyRows(_ range: Range<Int>, into rows: Matrix) throws(ModelError) {
        let width = shape.last ?? 1
        precondition(
            rows.rows == range.count && rows.columns == width && rows.isContiguous,
            "\(range.count) rows of \(width) into \(rows.rows) x \(rows.columns)")
        let target = unsafe UnsafeMutableBufferPointer(start: rows.base, count: rows.count)
        do {
            try unsafe copyFloats(
                range.lowerBound * width..<range.upperBound * width, into: target)
        } catch {
            throw ModelError(.malformed, error.message)
        }
    }
}
