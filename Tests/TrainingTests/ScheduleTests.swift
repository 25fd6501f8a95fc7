// Learning-rate schedules by hand: their ends, their warm-up, runs shorter than the warm-up.

import Testing
import Training

@Suite struct ScheduleTests {
    private func rates(
        _ shape: LearningRateSchedule.Shape, warmup: Int, total: Int
    ) -> [Double] {
        let schedule = LearningRateSchedule(
            shape: shape, peak: 2, warmupSteps: warmup, totalSteps: total)
        return (0...total).map(schedule.rate)
    }

    @Test func constant() {
        #expect(rates(.constant, warmup: 2, total: 4) == [0, 1, 2, 2, 2])
        #expect(rates(.constant, warmup: 0, total: 2) == [2, 2, 2])
    }

    @Test func linear() {
        #expect(rates(.linear, warmup: 2, total: 6) == [0, 1, 2, 1.5, 1, 0.5, 0])
    }

    @Test func cosine() {
        let rates = rates(.cosine, warmup: 0, total: 4)
        #expect(rates[0] == 2 && rates[4] < 1e-15)
        #expect(abs(rates[2] - 1) < 1e-15)
        #expect(abs(rates[1] - (1 + 0.5.squareRoot())) < 1e-15)
    }

    @Test func degenerate() {
        #expect(rates(.linear, warmup: 10, total: 2) == [0, 0.2, 0.4])
        #expect(rates(.linear, warmup: 0, total: 0) == [2])
        #expect(rates(.cosine, warmup: 3, total: 3).last == 2)
    }

    /// Part of a step counts as a step; a count wins over the ratio.
    @Test func warmupOfOptions() {
        var options = TrainingOptions()
        options.warmupRatio = 0.06
        #expect(options.schedule(totalSteps: 101).warmupSteps == 7)
        options.warmupRatio = 0
        #expect(options.schedule(totalSteps: 101).warmupSteps == 0)
        options.warmupSteps = 3
        #expect(options.schedule(totalSteps: 101).warmupSteps == 3)
    }
}
