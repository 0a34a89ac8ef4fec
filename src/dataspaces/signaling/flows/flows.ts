import { randomUUID } from 'node:crypto'
import { createJson, readJson } from '../../../store/json-objects.ts'
import type { ArtifactStore } from '../../../store/store.ts'
import { updateWithRetry } from '../../../store/update-json.ts'
import { Problem } from '../../../util/errors.ts'
import { type Flow, flowKey } from './flow.ts'

/** Versions kept of each flow: a writer that read an older version than these can't write. */
const keptVersions = 30

/** Data flows in the store, changed by several replicas at once. Methods reject with StoreError. */
export interface Flows {
  /** False if a flow of that id exists. */
  create(flow: Flow): Promise<boolean>

  /**
   * Undefined if there is no such flow. Rejects with a Problem `result-damaged` if its object is
   * damaged.
   */
  read(id: string): Promise<Flow | undefined>

  /**
   * Writes `decide`'s answer to the newest version and decides again if another replica wrote
   * first. Resolves with the written version, with the present one if the answer is undefined, with
   * undefined if there is no flow.
   */
  change(id: string, decide: (flow: Flow) => Flow | undefined): Promise<Flow | undefined>
}

export function createFlows(store: ArtifactStore): Flows {
  async function read(id: string): Promise<Flow | undefined> {
    let newest: string | undefined
    for await (const { key } of store.list(folderOf(id))) if (numberOf(key) !== undefined) newest = key
    return newest === undefined ? undefined : await readVersion(store, newest, id)
  }

  /**
   * False if another version has that number; the same version, written by an earlier attempt,
   * counts as written.
   */
  async function write(flow: Flow): Promise<boolean> {
    const key = versionKey(flow.id, flow.number)
    const written = { ...flow, write: randomUUID() }
    if (await createJson(store, key, written)) return true
    const there = await readVersion(store, key, flow.id)
    return there !== undefined && 'write' in there && there.write === written.write
  }

  return {
    read,

    async create(flow) {
      return (await read(flow.id)) === undefined && (await write(flow))
    },

    change(id, decide) {
      return updateWithRetry(`The data flow ${id}`, async () => {
        const flow = await read(id)
        const decided = flow && decide(flow)
        if (flow === undefined || decided === undefined) return { changed: flow }
        const next = { ...decided, number: flow.number + 1, changed_at: new Date().toISOString() }
        if (!(await write(next))) return undefined
        if (next.number > keptVersions) await store.remove([versionKey(id, next.number - keptVersions)])
        return { changed: next }
      })
    },
  }
}

/** Prefix of all objects of a flow. */
export function folderOf(id: string): string {
  return `flows/${flowKey(id)}/`
}

function versionKey(id: string, number: number): string {
  return `${folderOf(id)}${String(number).padStart(8, '0')}.json`
}

function numberOf(key: string): number | undefined {
  const digits = /\/(\d{8})\.json$/.exec(key)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

async function readVersion(store: ArtifactStore, key: string, id: string): Promise<Flow | undefined> {
  try {
    const flow = (await readJson(store, key)) as Partial<Flow> | null | undefined
    if (flow === undefined) return undefined
    if (flow?.id === id && flow.state !== undefined && flow.data !== undefined) return flow as Flow
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new Problem(
    'result-damaged',
    `The data flow ${id} in the store (${key}) differs from the one that was written`,
  )
}
