import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { usageError } from '../exit-codes.ts'
import type { Session } from '../session/session.ts'
import { bytesText, shown, tableText } from '../terminal/format.ts'

/** `jobferry inputs list` */
export async function listInputs({ out, client }: Session): Promise<number> {
  const rows: string[][] = []
  for await (const upload of client().uploads()) {
    if (out.json) out.value(upload)
    else rows.push([bytesText(upload.size).padStart(10), upload.modified_at.slice(0, 19), shown(upload.name)])
  }
  if (rows.length > 0) out.line(tableText(rows))
  return 0
}

/** `jobferry inputs put`: prints what `--input` takes. A file that is kept already is not sent again. */
export async function putInputs(
  session: Session,
  files: readonly string[],
  { name: given }: { name?: string },
): Promise<number> {
  const { out } = session
  if (given !== undefined && files.length > 1) throw usageError('--name: is for one file')
  for (const file of files) {
    const stats = await stat(file)
    if (!stats.isFile()) throw usageError(`${file}: is no file; expected a file, such as a tar of a folder`)
    const name = given ?? basename(resolve(file))
    const from = `upload:${name}`
    if (await isKept(session, name, file, stats.size)) {
      out.note(`${shown(name)} is kept already`)
      if (out.json) out.value({ name, from, sent: false })
    } else {
      const upload = await send(session, name, file, stats.size)
      if (out.json) out.value({ ...upload, sent: true })
    }
    if (!out.json) out.line(from)
  }
  return 0
}

/** `jobferry inputs delete` */
export async function removeInputs({ out, client }: Session, names: readonly string[]): Promise<number> {
  for (const name of names) {
    await client().deleteUpload(name)
    if (out.json) out.value({ name, deleted: true })
    else out.note(`${shown(name)}: deleted`)
  }
  return 0
}

/** Reads the file alone if the size is the same. */
async function isKept({ client }: Session, name: string, file: string, size: number): Promise<boolean> {
  const there = await client().upload(name)
  if (there === undefined || there.size !== size) return false
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return hash.digest('hex') === there.sha256
}

async function send({ out, client }: Session, name: string, file: string, totalBytes: number) {
  let bytes = 0
  const upload = await client().putUpload(name, () => createReadStream(file), {
    onSent(sent) {
      bytes += sent
      out.progress('uploading', { bytes, totalBytes })
    },
  })
  out.endProgress()
  return upload
}
