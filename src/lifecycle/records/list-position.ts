/** `<13 digits>-<uuid>`: sorts newer jobs first. */
export function listPosition(uuid: string, createdAt: number): string {
  return `${String(9999999999999 - createdAt).padStart(13, '0')}-${uuid}`
}

/** The uuid in a position; undefined if the text isn't a position. */
export function positionUuid(position: string): string | undefined {
  return /^\d{13}-([0-9a-f-]{36})$/.exec(position)?.[1]
}

/** When the job was created, in milliseconds since the epoch. */
export function positionTime(position: string): number {
  return 9999999999999 - Number(position.slice(0, 13))
}
