import { randomUUID } from 'node:crypto'
import { type ArtifactStore, isOccupied } from '../../artifact/store.ts'
import { Problem } from '../../errors.ts'
import { putJson, readJson } from '../json-objects.ts'
import { tryAnew } from '../try-anew.ts'
import { type Flow, flowKey } from './flow.ts'

/** How many versions of a flow are kept: what was read of one is never older than that when it is written. */
const keptVersions = 30

/** Data flows in the store, changed by several replicas at once. Rejects with StoreError. */
export interface Flows {
  /** False where there is one of that id. */
  create(flow: Flow): Promise<boolean>

  /** Undefined where there is none. Rejects with a Problem `result-damaged` where it is not what was written. */
  read(id: string): Promise<Flow | undefined>

  /**
   * Writes what `decide` makes of the newest version, and decides anew where another was faster. Gives what was
   * written, or the flow as it is where `decide` returned undefined; undefined where there is no flow.
   */
  change(id: string, decide: (flow: Flow) => Flow | undefined): Promise<Flow | undefined>
}

export function createFlows(store: ArtifactStore): Flows {
  async function read(id: string): Promise<Flow | undefined> {
    let newest: string | undefined
    for await (const { key } of store.list(folderOf(id))) if (numberOf(key) !== undefined) newest = key
    return newest === undefined ? undefined : await readVersion(store, newest, id)
  }

  /** False where there is another flow of that number; its own, of a try whose answer got lost, counts as written. */
  async function write(flow: Flow): Promise<boolean> {
    const key = versionKey(flow.id, flow.number)
    const written = { ...flow, write: randomUUID() }
    try {
      await putJson(store, key, written, { ifAbsent: true })
      return true
    } catch (error) {
      if (!isOccupied(error)) throw error
      const there = await readVersion(store, key, flow.id)
      return there !== undefined && 'write' in there && there.write === written.write
    }
  }

  return {
    read,

    async create(flow) {
      return (await read(flow.id)) === undefined && (await write(flow))
    },

    change(id, decide) {
      return tryAnew(`The data flow ${id}`, async () => {
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

/** All that lies in the store of a flow is below it. */
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
  throw new Problem('result-damaged', `The data flow ${id} in the store (${key}) is not what was written`)
}
