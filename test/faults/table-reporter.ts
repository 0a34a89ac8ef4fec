import type { Reporter, TestModule } from 'vitest/node'

/** Prints a closing table: each fault, the number of its rounds, the number of right outcomes. */
export default class FaultTable implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    const tries = new Map<string, { tried: number; right: number }>()
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const sentence = test.fullName.replace(/ \(round \d+\)$/, '')
        const known = tries.get(sentence) ?? { tried: 0, right: 0 }
        known.tried++
        if (test.result().state === 'passed') known.right++
        tries.set(sentence, known)
      }
    }
    const lines = Array.from(tries, ([sentence, { tried, right }]) => `| ${sentence} | ${tried} | ${right} |`)
    console.info(['', '| fault | tried | right |', '| --- | --- | --- |', ...lines.toSorted()].join('\n'))
  }
}
