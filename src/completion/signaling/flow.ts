import { hash } from 'node:crypto'
import type { Dataset } from '../datasets/datasets.ts'
import type { FlowMessage, FlowState } from './states.ts'

/** A data flow after one of its transitions: `flows/<key>/<number>.json` in the store. No secret lies there. */
export interface Flow {
  version: 1
  /** The process' id: connectors call a flow by it, whatever id it was given. */
  id: string
  /** How often it was written; the newest counts. */
  number: number
  state: FlowState
  /** The message that led to the state. */
  by: FlowMessage
  /** RFC 3339, as all times. */
  created_at: string
  changed_at: string
  /** Begun with the field names that connectors 0.16 to 0.18 send. */
  earlier: boolean
  /** SHA-256 of the message that began it, or started it once it was prepared. */
  request_sha256?: string
  profile: string
  participant_id: string
  /** Who reads the data; refresh tokens are bound to it. */
  counter_party_id: string
  dataset_id: string
  agreement_id: string
  /** Where the control plane is called, where the request said so. */
  callback_address?: string
  /** The id of the control plane that began it, where its token told. */
  control_plane?: string
  data: FlowData
  /** Why it was suspended or terminated. */
  reason?: string
  /** Why its data will not come. */
  error?: string
  /** SHA-256 of the tokens that were given out, lower-case hex, the newest last. */
  tokens: { refresh: string[]; access: string[] }
}

/** What is read: all or one file of a job's results. */
export interface FlowData extends Pick<Dataset, 'file' | 'format'> {
  uuid: string
  /** The job was made for this flow alone. */
  made: boolean
  /** What goes once the flow is over. */
  remove: Dataset['remove']
}

/** A process id in keys, lanes and grants: itself where it is plain, else its SHA-256; at most 65 characters. */
export function flowKey(id: string): string {
  if (/^[A-Za-z0-9-][A-Za-z0-9_-]{0,63}$/.test(id)) return id
  return `_${sha256Hex(id)}`
}

export function grantId(id: string): string {
  return `flow-${flowKey(id)}`
}

export function sha256Hex(text: string): string {
  return hash('sha256', text)
}
