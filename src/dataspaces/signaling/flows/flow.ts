import { hash } from 'node:crypto'
import type { Dataset } from '../../datasets/datasets.ts'
import type { FlowMessage, FlowState } from './flow-states.ts'

/** A version of a data flow: `flows/<key>/<number>.json` in the store, without secrets. */
export interface Flow {
  version: 1
  /** The process id: connectors use it in calls about the flow, whatever id they were answered. */
  id: string
  /** The version's number; the highest one is current. */
  number: number
  state: FlowState
  /** The message that led to this state. */
  by: FlowMessage
  /** RFC 3339, like all times here. */
  created_at: string
  changed_at: string
  /** True if it was begun with the field names of connectors 0.16 to 0.18. */
  earlier: boolean
  /** SHA-256 of the message that began the flow, or that started it after it was prepared. */
  request_sha256?: string
  profile: string
  participant_id: string
  /** DID of the data's reader; refresh tokens are bound to it. */
  counter_party_id: string
  dataset_id: string
  agreement_id: string
  /** The control plane's address from the request, if given. */
  callback_address?: string
  /** Id of the control plane that began the flow, if its token named it. */
  control_plane?: string
  data: FlowData
  /** Reason of the suspension or termination. */
  reason?: string
  /** Reason why its data will never exist. */
  error?: string
  /** SHA-256 of the tokens given out, in lower-case hex, newest last. */
  tokens: { refresh: string[]; access: string[] }
}

/** The flow's data: all or one file of a job's results. */
export interface FlowData extends Pick<Dataset, 'file' | 'format'> {
  uuid: string
  /** True if the job was made for this flow. */
  made: boolean
  /** Removed at the flow's end. */
  remove: Dataset['remove']
}

/**
 * The process id for keys, lanes and grants: itself if it is plain, else its SHA-256; at most 65
 * characters.
 */
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
