import { readFile } from 'node:fs/promises'

/** The highest resident memory of a process so far, in MiB; undefined where it has ended. */
export async function peakResidentMiB(pid: number | undefined): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kibibytes = /^VmHWM:\s+(\d+)/m.exec(status)?.[1]
  return kibibytes === undefined ? undefined : Math.round(Number(kibibytes) / 1024)
}

/** Samples a process until the function that it returns is called, which gives the highest value seen. */
export function watchResident(pid: () => number | undefined): () => Promise<number | undefined> {
  let highest: number | undefined
  const look = async () => {
    const now = await peakResidentMiB(pid())
    if (now !== undefined) highest = Math.max(highest ?? 0, now)
  }
  const timer = setInterval(() => void look(), 50)
  return async () => {
    clearInterval(timer)
    return highest
  }
}
