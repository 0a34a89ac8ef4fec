/** Seconds since the epoch of an RFC 3339 time with up to nine decimals. */
export function secondsOf(time: string | undefined): number | undefined {
  const [, whole = '', fraction = ''] = /^(.{19})(\.\d+)?Z$/.exec(time ?? '') ?? []
  const milliseconds = Date.parse(`${whole}Z`)
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000 + Number(`0${fraction}`)
}
