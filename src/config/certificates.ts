import { X509Certificate } from 'node:crypto'
import type * as z from 'zod'
import { refuse } from './setting.ts'

/** The certificates of a PEM text, without what stands between them. */
export function certificatesIn(text: string, context: z.RefinementCtx): string {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) {
    return refuse(context, 'has no certificate; expected PEM: -----BEGIN CERTIFICATE----- and so on', '')
  }
  const broken = blocks.findIndex((block) => !isCertificate(block))
  if (broken >= 0) {
    const problem = `its certificate ${broken + 1} can't be read; expected X.509 in PEM, not cut short`
    return refuse(context, problem, '')
  }
  const pem = `${blocks.join('\n')}\n`
  if (pem.length <= mostCaBytes) return pem
  const problem = `has ${pem.length} bytes; expected at most ${mostCaBytes}: one authority, not all that a system trusts`
  return refuse(context, problem, '')
}

/** It is a variable of every uploader: Linux allows 128 KiB for one. */
const mostCaBytes = 64 * 1024

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}
