// What a rank reports about the shard it wrote, and how the reports of all ranks become the tensor
// list of a manifest.

import Foundation

/// A shard that was written.
struct ShardRecord: Codable, Equatable {
    /// A piece in it.
    struct Piece: Codable, Equatable {
        let name: String
        let shape: [Int]
        let entry: String
        let begin: Int
        let end: Int
    }

    let file: Manifest.File
    let pieces: [Piece]

    /// The name of a rank's shard.
    static func fileName(rank: Int, of ranks: Int) -> String {
        func padded(_ number: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        }
        return "shard-\(padded(rank))-of-\(padded(ranks)).safetensors"
    }

    /// Puts the pieces of all shards together; each tensor must be covered once, whole.
    static func tensors(of shards: [ShardRecord]) throws(CheckpointError) -> [Manifest.Tensor] {
        var shapes: [String: [Int]] = [:]
        var pieces: [String: [Manifest.Piece]] = [:]
        for shard in shards {
            for piece in shard.pieces {
                if let shape = shapes[piece.name], shape != piece.shape {
                    throw CheckpointError(
                        .invalidPieces,
                        "tensor '\(piece.name)' has the shape \(shape) on one rank and"
                            + " \(piece.shape) in \(shard.file.name)")
                }
                shapes[piece.name] = piece.shape
                guard piece.begin < piece.end else { continue }
                pieces[piece.name, default: []].append(
                    Manifest.Piece(
                        file: shard.file.name, entry: piece.entry, begin: piece.begin,
                        end: piece.end))
            }
        }
        var tensors: [Manifest.Tensor] = []
        for name in shapes.keys.sorted() {
            let tensor = Manifest.Tensor(
                name: name, shape: shapes[name] ?? [],
                pieces: (pieces[name] ?? []).sorted { $0.begin < $1.begin })
            try checkCover(of: tensor)
            tensors.append(tensor)
        }
        return tensors
    }

    private static func checkCover(of tensor: Manifest.Tensor) throws(CheckpointError) {
        var covered = 0
        for piece in tensor.pieces {
            guard piece.begin == covered else {
                let what = piece.begin < covered ? "are given twice" : "are missing"
                let range = min(piece.begin, covered)..<max(piece.begin, covered)
                throw CheckpointError(
                    .invalidPieces, "tensor '\(tensor.name)': the elements \(range) \(what)")
            }
            covered = piece.end
        }
        guard covered == tensor.count else {
            throw CheckpointError(
                .invalidPieces,
                "tensor '\(tensor.name)': the elements \(covered..<tensor.count) are missing")
        }
    }
}
