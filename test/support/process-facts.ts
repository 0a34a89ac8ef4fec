import { readdir, readFile, readlink } from 'node:fs/promises'

/** Resident memory in bytes of a process of this machine. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status names no VmRSS`)
  return Number(kibibytes) * 1024
}

/**
 * Number of a local process's established TCP connections to a remote port, or on its own port;
 * `unread` counts the connections with bytes that the process has not read yet.
 */
export async function connections(
  pid: number,
  side: 'to' | 'on',
  port: number,
): Promise<{ all: number; unread: number }> {
  const own = await socketInodes(pid)
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')),
  )
  const lines = tables.flatMap((table) => table.trimEnd().split('\n').slice(1))
  let [all, unread] = [0, 0]
  for (const line of lines) {
    const [, local = '', remote = '', state, queues = '', , , , , inode = ''] = line.trim().split(/\s+/)
    const address = side === 'to' ? remote : local
    // 01 is ESTABLISHED; addresses and ports are hexadecimal.
    if (state !== '01' || !own.has(inode)) continue
    if (Number.parseInt(address.split(':')[1] ?? '', 16) !== port) continue
    all += 1
    if (!queues.endsWith(':00000000')) unread += 1
  }
  return { all, unread }
}

async function socketInodes(pid: number): Promise<Set<string>> {
  const folder = `/proc/${pid}/fd`
  const links = await Promise.all(
    // The process may close a descriptor after the folder was read.
    (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')),
  )
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
}
