import { defined, isObject, parseJsonObject } from '../../util/objects.ts'
import { isReason } from '../reason-meanings.ts'
import type { Observation, Uploaded } from './observation.ts'

/** What the uploader's log says of the upload. */
export type SaidByUploader = Pick<Observation, 'blocked' | 'progress' | 'uploaded'>

/** All that the uploader's log says. */
export type Reports = SaidByUploader & Pick<Observation, 'heard'>

/**
 * By the last relevant line of the uploader's log after `since`: a line with one of our reasons
 * says what blocks the upload, a line with `progress` how much is uploaded.
 */
export function saidByUploader(log: string, since: number): SaidByUploader {
  for (const line of log.trimEnd().split('\n').reverse()) {
    const { reason, message, final, msg, progress, time } = parseJsonObject(line) ?? {}
    if (!isAfter(time, since)) continue
    const text = String(message ?? msg ?? 'see the log of `uploader`')
    const uploaded = uploadedOf(progress)
    const numbers = defined({ uploaded })
    if (isReason(reason)) {
      const end = final === true ? { final: true as const } : {}
      return { blocked: { reason, message: text, ...end }, ...numbers }
    }
    if (progress !== undefined) return { progress: text, ...numbers }
  }
  return {}
}

function uploadedOf(progress: unknown): Uploaded | undefined {
  if (!isObject(progress)) return undefined
  const numbers = Object.entries(progress).filter(([, value]) => Number.isFinite(value))
  const found: Partial<Uploaded> = Object.fromEntries(numbers)
  const { files, bytes, total_files, total_bytes } = found
  if (files === undefined || bytes === undefined) return undefined
  const total = total_files === undefined || total_bytes === undefined ? {} : { total_files, total_bytes }
  return { files, bytes, ...total }
}

function isAfter(time: unknown, since: number): boolean {
  const at = typeof time === 'number' ? time : Date.parse(String(time))
  return Number.isNaN(at) || at >= since
}
