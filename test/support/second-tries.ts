import type { Reporter, TestModule } from 'vitest/node'

/** More tests than this at a second try fail the run: that many have a cause. */
const mostSecondTries = 3

/**
 * Names the tests that failed once and passed at their second try, each with its error, and fails
 * a run with more than three of them (docs/decisions/tests/004).
 */
export default class SecondTries implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    const tests = modules.flatMap((module) => Array.from(module.children.allTests()))
    const again = tests.filter((test) => test.diagnostic()?.flaky)
    if (again.length === 0) return
    const lines = again.flatMap((test) => [
      `  ${test.module.relativeModuleId} > ${test.fullName}`,
      ...(test.result().errors ?? []).map((error) => `    ${error.stack ?? error.message}`),
    ])
    console.error([`passed at the second try: ${again.length} of ${tests.length} tests`, ...lines].join('\n'))
    if (again.length <= mostSecondTries) return
    console.error(`more than ${mostSecondTries} second tries: the run fails`)
    process.exitCode = 1
  }
}
