import type { ResultLimits } from '../../src/result-format/result-limits.ts'
import { type Joined, join } from '../journal/join.ts'
import type { Journals } from '../journal/journals.ts'
import { isGone } from '../journal/line.ts'
import type { LayoutChoice } from '../pack/layout-choice.ts'
import type { UploadProgress } from '../progress/upload-progress.ts'
import type { Directory } from '../scan/directory.ts'
import { inTurns } from '../scan/in-turns.ts'
import { isMemory } from '../scan/is-memory.ts'
import { openTree } from '../scan/open-tree.ts'
import type { OutputFilter } from '../scan/output-filter.ts'
import type { StoreCalls } from '../store/store-calls.ts'
import type { UploadContext } from '../upload/upload-context.ts'
import { uploadFile } from '../upload/upload-file.ts'
import type { SelectsFile } from './decide.ts'
import { Ledger, type LedgerContext } from './ledger.ts'
import type { LinkedFiles } from './linked-files.ts'
import { type PassUploads, processorsOf } from './pass-processors.ts'
import { ResultBudget } from './result-budget.ts'
import { type EntryOutcome, type EntryParts, storeEntry } from './store-entry.ts'
import { boundedListing } from './unstored.ts'
import { Window } from './window.ts'

export interface PassContext extends LedgerContext, UploadContext {
  journals: Journals
  calls: StoreCalls
  layoutChoice: LayoutChoice
  filter: OutputFilter
  limits: ResultLimits
  links: LinkedFiles
}

export interface PassOptions {
  /**
   * The worker has ended: every name becomes an entry. Else a file that changes meanwhile is left
   * to the next pass.
   */
  final: boolean
  /**
   * When aborted, no further names are looked at; what is in flight is finished. After a halt of
   * the store calls, what was not stored is listed with an error, for a short time.
   */
  stopSignal: AbortSignal
  /** Called with the ledger when the pass begins. */
  onBegin?: (ledger: Ledger) => void
  /** Default: by this context. */
  uploads?: PassUploads
  /** Default: all files that have changed. */
  selection?: PassSelection
}

/**
 * For a pass beside the worker. Files that aren't selected stay as they are known. The `stopSignal`
 * ends such a pass at once: its journal says nothing of files in flight, which are left to the
 * owner of `uploads`.
 */
export interface PassSelection {
  selects: SelectsFile
  /**
   * Limit of outcomes that wait for a slow one before them: a removed file keeps its disk space
   * while it is open.
   */
  windowSize: number
}

/** Files that are sent at once, or are open and wait for a slow one before them. */
const defaultWindowSize = 256

/**
 * One pass over the result directory: finds what is there, stores what isn't stored yet, and writes
 * the outcomes into the ledger, in order. `complete` is false if `stopSignal` or a halt of the
 * store calls came before the end. Rejects where the result directory or the state directory can't
 * be used at all.
 */
export async function runPass(
  context: PassContext,
  options: PassOptions,
): Promise<{ ledger: Ledger; complete: boolean }> {
  const scanStartedAt = new Date()
  const { journal, known, recovered } = context.journals.begin()
  using _journal = journal
  using _known = known
  using _recovered = recovered
  const budget = new ResultBudget(context.limits)
  const ledger = new Ledger(context, journal, scanStartedAt, budget)
  context.progress.begin()
  options.onBegin?.(ledger)

  using tree = openTree(context.resultDirectory, context.filter)
  const { selection, stopSignal } = options
  const { calls } = context
  let complete = true
  const window = new Window<EntryOutcome>(selection?.windowSize ?? defaultWindowSize, (outcome) => {
    if (outcome === undefined) return
    if (!('unstored' in outcome)) ledger.append(outcome)
    else {
      complete = false
      if (selection === undefined) ledger.append(outcome.unstored)
    }
  })
  const abort = () => {
    complete = false
    window.abort()
  }
  const parts = await partsOf(context, options, budget, tree.directory, window.aborted)
  if (selection !== undefined) stopSignal.addEventListener('abort', abort, { once: true })
  const mayList = boundedListing()
  const mayGoOn = () => (parts.isHalted() ? mayList() : !stopSignal.aborted && !calls.halted.aborted)
  let scanned: Scanned | undefined
  try {
    scanned = await storeAll(join(tree.scan, known, recovered), parts, window, mayGoOn)
    if (!scanned.ended) complete = false
  } finally {
    for (const processor of parts.processors) {
      if (window.aborted.aborted) processor.drop()
      else processor.seal()
    }
    await window.drain()
    stopSignal.removeEventListener('abort', abort)
    journal.flush()
  }
  // A name for which there is no line was removed meanwhile, left to a later pass, or one too many.
  // A scan beside the worker may have missed a file.
  ledger.allListed = options.final && scanned.ended && scanned.found === ledger.tally.count
  return { ledger, complete }
}

async function partsOf(
  context: PassContext,
  { final, stopSignal, selection, uploads }: PassOptions,
  budget: ResultBudget,
  directory: Directory | undefined,
  passAborted: AbortSignal,
): Promise<EntryParts> {
  const { job, attempt, resultDirectory, layoutChoice, filter, links, progress, calls } = context
  const timesCanBeTrusted = directory !== undefined && !isMemory(resultDirectory)
  const packedBytes = await layoutChoice.packedBytes(directory, stopSignal, filter)
  return {
    final,
    selects: selection?.selects,
    budget,
    processors: processorsOf(
      uploads ?? { upload: (...args) => uploadFile(...args, context), shared: context },
      { job, attempt, final, timesCanBeTrusted, budget },
      packedBytes,
      links,
    ),
    links,
    counted: countingIn(progress),
    isHalted: () => selection === undefined && calls.halted.aborted,
    passAborted,
  }
}

interface Scanned {
  /** False where it was stopped before the last path. */
  ended: boolean
  /** Number of names in the result directory. */
  found: number
}

async function storeAll(
  paths: Iterable<Joined>,
  parts: EntryParts,
  window: Window<EntryOutcome>,
  mayGoOn: () => boolean,
): Promise<Scanned> {
  let found = 0
  for await (const joined of inTurns(paths)) {
    if (!mayGoOn()) return { ended: false, found }
    if (joined.found !== undefined) found += 1
    await window.add(await storeEntry(joined, parts))
  }
  return { ended: true, found }
}

function countingIn(progress: UploadProgress): EntryParts['counted'] {
  return (outcome) => {
    if (outcome === undefined || 'unstored' in outcome || isGone(outcome)) return outcome
    const { type, size = 0, error } = outcome.entry
    if (type === 'file' && error === undefined) progress.fileDone(size)
    else if (type === 'file') progress.fileLeftOut(size)
    return outcome
  }
}
