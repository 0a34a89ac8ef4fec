import { readdir, readFile } from 'node:fs/promises'

/** SIGKILL of the uploader's program in a pod on this machine, not of its supervisor; false where none runs. */
export async function killUploaderProgram(podUid: string): Promise<boolean> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    try {
      const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8')
      if (!cgroup.includes(`pod${podUid}/`)) continue
      const [program] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
      if (program !== 'node' && !program?.endsWith('/node')) continue
      process.kill(Number(pid), 'SIGKILL')
      return true
    } catch (error) {
      // Gone meanwhile.
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT' && code !== 'ESRCH') throw error
    }
  }
  return false
}
