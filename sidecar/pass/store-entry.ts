import { pathFields } from '../../src/result-format/entry.ts'
import { withoutForm } from '../../src/result-format/stored-form.ts'
import { messageOf } from '../../src/util/errors.ts'
import { type Joined, keysInUse } from '../journal/join.ts'
import { type EntryLine, isGone, type JournalLine } from '../journal/line.ts'
import { orAborted } from '../pause.ts'
import { toBytes } from '../scan/byte-path.ts'
import { entryOf, fileEntry, isLinked } from '../scan/entry-of.ts'
import { openFound } from '../scan/open-file.ts'
import { Halted } from '../store/store-calls.ts'
import type { FileProcessor, FileToStore, SharedObject } from '../upload/file-processor.ts'
import { compared, type DecisionRules, decide, decideWithoutFile, newestKnown } from './decide.ts'
import type { LinkedFiles } from './linked-files.ts'
import type { ResultBudget } from './result-budget.ts'
import { type Unstored, unstoredLine } from './unstored.ts'
import type { WindowItem } from './window.ts'

/**
 * What a pass has for a path: its journal line, undefined for none, Unstored where a halt kept it
 * from storing.
 */
export type EntryOutcome = JournalLine | undefined | Unstored

/** Outcomes that hold no file open take less of the window: this many count as one file. */
const outcomesPerFile = 32
const light = 1 / outcomesPerFile

export interface EntryParts extends DecisionRules {
  processors: readonly FileProcessor[]
  budget: ResultBudget
  links: LinkedFiles
  /** Given each outcome once, as soon as it is final; returns it. */
  counted(outcome: EntryOutcome): EntryOutcome
  /** True after a halt: no further file is opened. */
  isHalted(): boolean
  /** Aborted when the pass ends without waiting for what is under way. */
  passAborted: AbortSignal
}

/**
 * Decides what a path needs and begins it. Resolves when the next path may follow; never rejects. A
 * file is opened before this returns, while its directory is open.
 */
export async function storeEntry(joined: Joined, parts: EntryParts): Promise<WindowItem<EntryOutcome>> {
  try {
    const begun = begin(joined, parts)
    if ('outcome' in begun) return { weight: light, result: parts.counted(begun.outcome) }
    if ('stored' in begun) return { weight: 1, promise: begun.stored.then(parts.counted) }
    const added = (await orAborted(begun.added, parts.passAborted)) ?? { outcome: undefined }
    if (!('shared' in added)) return { weight: light, result: parts.counted(added.outcome) }
    return waitingFor(added.shared, added.line, newestKnown(joined), parts.counted)
  } catch (error) {
    return { weight: light, result: parts.counted(failed(error, joined)) }
  }
}

type Begun = Outcome | { stored: Promise<EntryOutcome> } | { added: Promise<Outcome | Waiting> }
type Outcome = { outcome: EntryOutcome }
type Waiting = { line: EntryLine; shared: SharedObject }

function begin(joined: Joined, parts: EntryParts): Begun {
  const { processors, budget } = parts
  const { path } = joined
  if (joined.found !== undefined && !budget.takeEntry(path)) {
    const gone = decideWithoutFile(joined, undefined)
    return { outcome: gone.action === 'record' ? gone.line : undefined }
  }
  let decision = decide(joined, parts)
  if (decision.action === 'store') {
    if (parts.isHalted()) return { outcome: unstored(joined) }
    const { found, known } = decision
    const opened = openFound(found)
    if ('file' in opened) {
      const { file } = opened
      const taken = budget.takeBytes(path, file.opened.size, file.opened)
      if ('counted' in taken)
        return process({ path, file, known, keysInUse: keysInUse(joined), ...taken }, joined, processors)
      file.close()
      return { outcome: compared({ entry: fileEntry(path, file.opened, taken) }, joined) }
    }
    decision = decideWithoutFile(joined, opened.instead)
  }
  return { outcome: decision.action === 'record' ? withinBudget(decision.line, joined, parts) : undefined }
}

/** The line of an unchanged file counts, too: files before it may be new. */
function withinBudget(line: JournalLine, joined: Joined, { budget, links }: EntryParts): JournalLine {
  const { path, found } = joined
  if (isGone(line) || line.entry.sha256 === undefined || found?.type !== 'file') return line
  const taken = budget.takeBytes(path, BigInt(line.entry.size ?? 0), found.stat)
  if ('error' in taken) {
    const { sha256: _, ...entry } = line.entry
    return compared({ entry: { ...withoutForm(entry), ...taken } }, joined)
  }
  if (isLinked(found.stat)) links.remember(found.stat, line)
  return line
}

/** The promises don't reject. */
function process(toStore: FileToStore, joined: Joined, processors: readonly FileProcessor[]): Begun {
  const { file, known } = toStore
  const processing = processors.find((one) => one.takes(file))?.process(toStore)
  if (processing === undefined) throw new Error('no processor takes the file')
  const lineOf = (line = known) => line && compared(line, joined)
  const settle = async <T, R>(promise: Promise<T>, then: (result: T) => R): Promise<R | Outcome> => {
    try {
      return then(await promise)
    } catch (error) {
      return { outcome: failed(error, joined) }
    } finally {
      file.close()
    }
  }
  if ('stored' in processing) {
    const settled = settle(processing.stored, (line): Outcome => ({ outcome: lineOf(line) }))
    return { stored: settled.then(({ outcome }) => outcome) }
  }
  const added = settle(processing.added, ({ line: read, shared }): Outcome | Waiting => {
    const line = lineOf(read)
    return line === undefined || shared === undefined ? { outcome: line } : { line, shared }
  })
  return { added }
}

/** Holds the lines and the shared object only: thousands wait for their pack. */
function waitingFor(
  shared: SharedObject,
  line: EntryLine,
  before: EntryLine | undefined,
  counted: EntryParts['counted'],
): WindowItem<EntryOutcome> {
  return {
    weight: light,
    onAwaited: () => shared.onAwaited(),
    group: {
      ended: shared.ended,
      done: () => {
        const outcome = shared.lineOf(line)
        if (outcome === undefined) return undefined
        if (outcome !== 'halted') return { result: counted(outcome) }
        return { result: { unstored: { ...unstoredLine(line.entry, before), changed: true } } }
      },
    },
  }
}

/** A failure concerns one file: the others are still stored. */
function failed(error: unknown, joined: Joined): EntryOutcome {
  const { path } = joined
  if (error instanceof Halted) return unstored(joined)
  return { entry: { ...pathFields(toBytes(path)), type: 'file', error: messageOf(error) }, changed: true }
}

function unstored(joined: Joined): EntryOutcome {
  if (joined.found === undefined) return undefined
  return { unstored: compared(unstoredLine(entryOf(joined.found), newestKnown(joined)), joined) }
}
