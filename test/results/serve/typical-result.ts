import type { Entry } from '../../../src/result-format/entry.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { putFile } from '../served.ts'

export const big = Buffer.alloc(3 * 1024 * 1024, 'big ')

export async function typical(store: ArtifactStore): Promise<Entry[]> {
  return [
    await putFile(store, 'hello.txt', 'hello, world\n'),
    await putFile(store, 'empty', ''),
    await putFile(store, 'big.bin', big),
    await putFile(store, 'a b+c%?#&ü\n.txt', 'odd'),
    await putFile(store, Buffer.from([0x61, 0xff]), 'bytes'),
    await putFile(store, 'page.html', '<script>'),
    await putFile(store, 'txt', 'no extension'),
    await putFile(store, 'future', 'x', { mtime: '2999-01-01T00:00:00.000000000Z' }),
    { path: 'folder', type: 'directory', mode: '0755' },
    { path: 'link', type: 'symlink', target: '/etc/passwd' },
    { path: 'pipe', type: 'skipped', error: 'fifo' },
    { path: 'unread', type: 'file', size: 5, error: 'EACCES: permission denied' },
  ]
}

export const problemCode = async (response: Response) => {
  const document = (await response.json()) as { type: string }
  return document.type.replace('urn:jobferry:error:', '')
}
