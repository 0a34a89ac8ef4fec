import { describe, expect, it } from 'vitest'
import { type DecisionRecord, decisionRecords } from '../../docs/decisions-index.ts'
import { brokenLinks, missingPaths } from './references.ts'

describe('the documents', () => {
  it('link only to files and headings that exist', () => {
    expect(brokenLinks()).toEqual([])
  })

  it('name, as comments do, only paths of the repository that exist', () => {
    expect(missingPaths()).toEqual([])
  })
})

describe('the decision records', () => {
  it('are numbered within their topic without a gap', () => {
    const last = new Map<string, number>()
    for (const { path } of decisionRecords()) {
      const [topic = '', file = ''] = path.split('/')
      const number = (last.get(topic) ?? 0) + 1
      expect(file).toMatch(new RegExp(`^${String(number).padStart(3, '0')}-[a-z0-9-]+\\.md$`))
      last.set(topic, number)
    }
  })

  it('have their parts in order, and at most 40 lines', () => {
    expect(decisionRecords().filter((record) => !hasItsForm(record))).toEqual([])
  })
})

function hasItsForm({ lines }: DecisionRecord): boolean {
  const parts = lines.flatMap((line) => /^\*\*(\w+)\.\*\* /.exec(line)?.[1] ?? [])
  const form = /^Context,Decision,Consequences,Evidence(,Replaces)?$/
  return lines.length <= 40 && /^# .+[^.]$/.test(lines[0] ?? '') && form.test(parts.join())
}
