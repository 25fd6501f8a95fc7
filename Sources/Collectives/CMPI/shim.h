// What Swift cannot see of MPI: constants that are macros over casts, and two Linux calls.
//
// Nothing here decides anything; each function is a name for one macro or one call. Every function
// has the prefix `retort_` so that it can't meet a symbol of an MPI library.
#pragma once
#include <mpi.h>
#include <stdint.h>
#include <sys/prctl.h>

// MPI_COMM_WORLD and friends are casts of addresses in Open MPI and of integers in MPICH: neither
// form is imported into Swift.
static inline MPI_Comm retort_mpi_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Request retort_mpi_no_request(void) { return MPI_REQUEST_NULL; }
static inline int retort_mpi_return_errors(MPI_Comm communicator) {
    return MPI_Comm_set_errhandler(communicator, MPI_ERRORS_RETURN);
}
static inline int retort_mpi_window_return_errors(MPI_Win window) {
    return MPI_Win_set_errhandler(window, MPI_ERRORS_RETURN);
}

// Messages are bytes: the ranks run one binary on one architecture.
static inline int retort_mpi_send(
    const void *bytes, int count, int peer, int tag, MPI_Comm communicator, MPI_Request *request) {
    return MPI_Isend(bytes, count, MPI_BYTE, peer, tag, communicator, request);
}
static inline int retort_mpi_receive(
    void *bytes, int count, int peer, int tag, MPI_Comm communicator, MPI_Request *request) {
    return MPI_Irecv(bytes, count, MPI_BYTE, peer, tag, communicator, request);
}
static inline int retort_mpi_receive_any(
    void *bytes, int count, MPI_Comm communicator, MPI_Request *request) {
    return MPI_Irecv(
        bytes, count, MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG, communicator, request);
}
static inline int retort_mpi_received_bytes(const MPI_Status *status, int *count) {
    return MPI_Get_count(status, MPI_BYTE, count);
}

// Not used by the collectives: the yardstick that the measurements compare them with.
static inline int retort_mpi_allreduce(
    const float *values, float *sums, int count, MPI_Comm communicator) {
    return MPI_Allreduce(values, sums, count, MPI_FLOAT, MPI_SUM, communicator);
}

// Shared counters. The request form is used because MPI_Win_flush blocks: a rank that waits for
// rank 0 must still hear that another one failed.
static inline int retort_mpi_allocate_counters(
    int count, MPI_Comm communicator, int64_t **base, MPI_Win *window) {
    return MPI_Win_allocate(
        (MPI_Aint)count * (MPI_Aint)sizeof(int64_t), (int)sizeof(int64_t), MPI_INFO_NULL,
        communicator, base, window);
}
static inline int retort_mpi_lock_all(MPI_Win window) {
    return MPI_Win_lock_all(MPI_MODE_NOCHECK, window);
}
static inline int retort_mpi_fetch_add(
    const int64_t *deltas, int64_t *previous, int count, int target, int slot, MPI_Win window,
    MPI_Request *request) {
    return MPI_Rget_accumulate(
        deltas, count, MPI_INT64_T, previous, count, MPI_INT64_T, target, (MPI_Aint)slot, count,
        MPI_INT64_T, MPI_SUM, window, request);
}
static inline int retort_mpi_fetch_max(
    const int64_t *values, int64_t *previous, int count, int target, int slot, MPI_Win window,
    MPI_Request *request) {
    return MPI_Rget_accumulate(
        values, count, MPI_INT64_T, previous, count, MPI_INT64_T, target, (MPI_Aint)slot, count,
        MPI_INT64_T, MPI_MAX, window, request);
}
static inline int retort_mpi_exchange(
    const int64_t *value, int64_t *previous, int target, int slot, MPI_Win window,
    MPI_Request *request) {
    return MPI_Rget_accumulate(
        value, 1, MPI_INT64_T, previous, 1, MPI_INT64_T, target, (MPI_Aint)slot, 1, MPI_INT64_T,
        MPI_REPLACE, window, request);
}

// prctl is variadic, so it isn't imported; pthread_setname_np needs _GNU_SOURCE, nor is that.
static inline int retort_set_thread_name(const char *name) {
    return prctl(PR_SET_NAME, (unsigned long)name, 0UL, 0UL, 0UL);
}

// Sleeps of the calling thread end at most this late; the
// default of 50 us would dominate the short sleeps of the communication thread.
static inline int retort_set_timer_slack(unsigned long nanoseconds) {
    return prctl(PR_SET_TIMERSLACK, nanoseconds, 0UL, 0UL, 0UL);
}
