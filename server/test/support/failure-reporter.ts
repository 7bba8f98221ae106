// Tells of a failure at once: a run that is cut short before its summary has named it all the same.
import type { Reporter, TestCase } from 'vitest/node'

export default class FailureReporter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state, errors = [] } = test.result()
    if (state !== 'failed') return
    const reasons = errors.map(({ message, stack }) => stack ?? message).join('\n')
    process.stdout.write(
      `\nFAILED ${test.project.name}: ${test.module.relativeModuleId} > ${test.fullName}\n${reasons}\n`,
    )
  }
}
