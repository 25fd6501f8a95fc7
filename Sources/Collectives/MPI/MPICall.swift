// The one place where MPI's return codes are read.

import CMPI

/// Throws if an MPI call failed, with the call's name and MPI's own words.
func checkMPI(_ code: Int32, _ call: String) throws(CollectiveError) {
    guard code != MPI_SUCCESS else { return }
    throw CollectiveError(
        code: .mpi(call: call, code: code), message: "\(call) failed: \(textOfMPIError(code))")
}

private func textOfMPIError(_ code: Int32) -> String {
    var length: Int32 = 0
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MPI_MAX_ERROR_STRING)) {
        buffer -> String? in
        guard let base = buffer.baseAddress, MPI_Error_string(code, base, &length) == MPI_SUCCESS
        else { return nil }
        let bytes = UnsafeRawBufferPointer(start: base, count: Int(length))
        return String(decoding: bytes, as: UTF8.self)
    }
    return text ?? "error code \(code)"
}
