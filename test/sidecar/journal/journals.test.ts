import { appendFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Cursor } from '../../../sidecar/journal/cursor.ts'
import { join as joinKnown, keysInUse } from '../../../sidecar/journal/join.ts'
import { Journals } from '../../../sidecar/journal/journals.ts'
import type { JournalLine } from '../../../sidecar/journal/line.ts'
import type { Found } from '../../../sidecar/scan/found.ts'
import { StateDirectory } from '../../../sidecar/state-directory.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

function newState(): StateDirectory {
  const directory = temporaryFolder()
  return new StateDirectory(directory)
}

const line = (path: string, key = path): JournalLine => ({
  entry: { path, type: 'file', key },
  changed: true,
})
const gone = (path: string): JournalLine => ({ gone: { path, removed: true } })

function rest(cursor: Cursor): JournalLine[] {
  const lines: JournalLine[] = []
  for (let placed = cursor.next(); placed !== undefined; placed = cursor.next()) lines.push(placed.line)
  return lines
}

/** Writes a journal and leaves it, as a program does that is killed. */
function scan(journals: Journals, lines: JournalLine[]): void {
  const begun = journals.begin()
  for (const each of lines) begun.journal.append(each)
  begun.journal.flush()
  for (const part of [begun.journal, begun.known, begun.recovered]) part[Symbol.dispose]()
}

describe('the journal of the results', () => {
  it('has the lines of the last complete scan', () => {
    const journals = new Journals(newState())
    scan(journals, [line('a'), line('b')])
    journals.adopt()
    const { known, recovered } = journals.begin()
    expect([rest(known), rest(recovered)]).toEqual([[line('a'), line('b')], []])
  })

  it('keeps the lines of interrupted scans beside it; the newest line of a path counts', () => {
    const journals = new Journals(newState())
    scan(journals, [line('a', 'complete')])
    journals.adopt()
    scan(journals, [line('a', 'first'), line('b', 'first'), line('d', 'first')])
    scan(journals, [line('a', 'second'), gone('b'), line('c', 'second')])
    const { known, recovered } = journals.begin()
    expect(rest(known)).toEqual([line('a', 'complete')])
    expect(rest(recovered)).toEqual([
      { ...line('a', 'second'), held: ['first'] },
      { ...gone('b'), held: ['first'] },
      line('c', 'second'),
      line('d', 'first'),
    ])
  })

  it('keeps the keys of all versions that interrupted scans sent, until a complete scan', () => {
    const journals = new Journals(newState())
    const inUse = () => {
      const { known, recovered } = journals.begin()
      return [...joinKnown([], known, recovered)].map(keysInUse)
    }
    scan(journals, [line('a', 'first')])
    scan(journals, [line('a', 'second')])
    scan(journals, [line('a', 'second')])
    scan(journals, [gone('a')])
    scan(journals, [line('a', 'third')])
    expect(inUse()).toEqual([['third', 'second', 'first']])
    scan(journals, [line('a', 'fourth')])
    journals.adopt()
    expect(inUse()).toEqual([['fourth']])
  })

  it('forgets the interrupted scans with the next complete one', () => {
    const journals = new Journals(newState())
    scan(journals, [line('a', 'first')])
    scan(journals, [line('a', 'second')])
    journals.adopt()
    const { known, recovered } = journals.begin()
    expect([rest(known), rest(recovered)]).toEqual([[line('a', 'second')], []])
  })

  it('skips a line that was cut off', () => {
    const state = newState()
    scan(new Journals(state), [line('a')])
    appendFileSync(state.path('next.ndjson'), '{"entry":{"path":"b","ty')
    expect(rest(new Journals(state).begin().recovered)).toEqual([line('a')])
  })

  it('is merged with a scan by path, each path once', () => {
    const journals = new Journals(newState())
    scan(journals, [line('a'), gone('b'), line('d'), line('z')])
    journals.adopt()
    scan(journals, [line('c'), line('d', 'newer'), gone('e')])
    const { known, recovered } = journals.begin()
    const found = ['0', 'd', 'e', 'x'].map((path): Found => ({ type: 'unreadable', path, error: '' }))
    const joined = [...joinKnown(found, known, recovered)]
    expect(joined.map(({ found: now, ...more }) => ({ ...more, found: now !== undefined }))).toEqual([
      { path: '0', found: true },
      { path: 'a', checkpointed: line('a'), found: false },
      { path: 'b', found: false },
      { path: 'c', recovered: line('c'), found: false },
      { path: 'd', checkpointed: line('d'), recovered: line('d', 'newer'), found: true },
      { path: 'e', recovered: gone('e'), found: true },
      { path: 'x', found: true },
      { path: 'z', checkpointed: line('z'), found: false },
    ])
  })
})
