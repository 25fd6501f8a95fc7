// Writing a model folder, of an encoder or a decoder: whole, or not at all.

import Autograd
import Foundation
import Safetensors
import TensorCore

enum FolderExport {
    /// Writes configuration, weights and what lies beside them in the folder that the model came from.
    ///
    /// A folder that is there already is replaced when the new one is complete.
    ///
    /// - Parameters:
    ///   - parameters: The weights, in float32.
    ///   - source: The folder that the model came from.
    ///   - companions: Names of files there that go along, where they exist.
    ///   - target: The folder to write.
    ///   - configuration: Makes the bytes of `config.json`.
    /// - Throws: `ModelError.unwritable`.
    static func write(
        _ parameters: ParameterSet, from source: String, companions: [String], to target: String,
        configuration: () throws -> Data
    ) throws(ModelError) {
        let sources = parameters.parameters.enumerated().map { index, parameter in
            TensorSource(
                name: parameter.name, shape: parameter.shape,
                floats: parameters.value(index).toArray())
        }
        try write(to: target) { staging in
            try configuration().write(to: URL(fileURLWithPath: "\(staging)/config.json"))
            try copy(companions, from: source, to: staging)
            try SafetensorsWriter.write(
                sources, metadata: ["format": "pt"], to: "\(staging)/model.safetensors")
        }
    }

    /// Copies those of some files that exist.
    static func copy(_ names: [String], from source: String, to target: String) throws {
        let files = FileManager.default
        for name in names where files.fileExists(atPath: "\(source)/\(name)") {
            try files.copyItem(atPath: "\(source)/\(name)", toPath: "\(target)/\(name)")
        }
    }

    /// Makes a folder: a body fills one beside it, which then takes its place.
    ///
    /// - Throws: `ModelError.unwritable`; the `ModelError` of the body as it is.
    static func write(
        to target: String, _ body: (_ staging: String) throws -> Void
    ) throws(ModelError) {
        let staging = "\(target).tmp-\(ProcessInfo.processInfo.processIdentifier)"
        let files = FileManager.default
        do {
            try? files.removeItem(atPath: staging)
            try files.createDirectory(atPath: staging, withIntermediateDirectories: true)
            try body(staging)
            if files.fileExists(atPath: target) { try files.removeItem(atPath: target) }
            try files.moveItem(atPath: staging, toPath: target)
        } catch let error as ModelError {
            try? files.removeItem(atPath: staging)
            throw error
        } catch {
            try? files.removeItem(atPath: staging)
            throw ModelError(.unwritable, "\(target): can't be written: \(error)")
        }
    }
}

extension TensorSource {
    /// Floats in a piece of a tensor that is made on the way.
    private static let piece = 1 << 22

    /// A matrix, or a vector as one row, that is made some rows at a time when the file is written.
    ///
    /// - Parameters:
    ///   - name: The tensor's name.
    ///   - shape: One or two axes.
    ///   - precision: In what form it is written.
    ///   - compute: Rounds to bfloat16.
    ///   - fill: Writes a range of rows into a matrix of as many.
    init(
        name: String, shape: [Int], precision: Precision, _ compute: Compute,
        fill: @escaping (_ rows: Range<Int>, _ into: Matrix) throws(ModelError) -> Void
    ) {
        let (count, width) = shape.count > 1 ? (shape[0], shape[1]) : (1, shape[0])
        unsafe self.init(
            name: name, dataType: precision == .float32 ? .float32 : .bfloat16, shape: shape
        ) { (sink) throws(SafetensorsError) in
            let arena = Arena()
            let chunk = max(1, min(count, Self.piece / max(width, 1)))
            let floats = arena.matrix(chunk, width)
            let halves = arena.bfloat16Matrix(chunk, width)
            for start in stride(from: 0, to: count, by: chunk) {
                let rows = start..<min(count, start + chunk)
                let part = floats.rows(0..<rows.count)
                do throws(ModelError) {
                    try fill(rows, part)
                } catch {
                    throw SafetensorsError(.unreadable, error.message)
                }
                switch precision {
                case .float32:
                    try unsafe sink(
                        UnsafeRawBufferPointer(
                            UnsafeBufferPointer(start: part.base, count: part.count)))
                case .bfloat16:
                    let narrow = halves.rows(0..<rows.count)
                    compute.narrow(part, into: narrow)
                    try unsafe sink(
                        UnsafeRawBufferPointer(
                            UnsafeBufferPointer(start: narrow.base, count: narrow.count)))
                }
            }
        }
    }
}
