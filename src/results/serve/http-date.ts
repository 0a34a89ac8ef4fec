const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const day = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const time = '(\\d{2}):(\\d{2}):(\\d{2})'
const imfFixdate = new RegExp(`^${day}, (\\d{2}) ([A-Z][a-z]{2}) (\\d{4}) ${time} GMT$`)
const rfc850 = new RegExp(`^(?:${day}|[A-Z][a-z]+day), (\\d{2})-([A-Z][a-z]{2})-(\\d{2}) ${time} GMT$`)
const asctime = new RegExp(`^${day} ([A-Z][a-z]{2}) ([ \\d]\\d) ${time} (\\d{4})$`)

/** Seconds since the epoch of an HTTP-date in one of RFC 9110 §5.6.7's forms; else undefined. */
export function parseHttpDate(text: string, now = new Date()): number | undefined {
  const fixed = imfFixdate.exec(text)
  if (fixed !== null) return seconds(fixed[3], fixed[2], fixed[1], fixed.slice(4))
  const old = rfc850.exec(text)
  if (old !== null) return seconds(String(fullYear(Number(old[3]), now)), old[2], old[1], old.slice(4))
  const asc = asctime.exec(text)
  return asc === null ? undefined : seconds(asc[6], asc[1], asc[2], asc.slice(3, 6))
}

/** §5.6.7: a year more than 50 years in the future means the latest past year with these digits. */
function fullYear(twoDigits: number, now: Date): number {
  const year = Math.floor(now.getUTCFullYear() / 100) * 100 + twoDigits
  return year > now.getUTCFullYear() + 50 ? year - 100 : year
}

function seconds(year = '', month = '', date = '', clock: readonly string[] = []): number | undefined {
  const index = months.indexOf(month)
  if (index === -1) return undefined
  const [hour = 0, minute = 0, second = 0] = clock.map(Number)
  const moment = new Date(Date.UTC(2000, index, Number(date), hour, minute, second))
  moment.setUTCFullYear(Number(year), index, Number(date))
  return moment.getTime() / 1000
}
