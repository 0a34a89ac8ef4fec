import { createHash } from 'node:crypto'

/** Shell script that writes so many small files into the result directory. */
export function small(count: number): string {
  return `cd $RESULT_DIRECTORY; i=0; while [ $i -lt ${count} ]; do echo file $i > f$i; i=$((i+1)); done`
}

/** Their paths → SHA-256 in hex. */
export function smallFiles(count: number): Map<string, string> {
  return new Map(
    Array.from({ length: count }, (_, index) => [
      `f${index}`,
      createHash('sha256').update(`file ${index}\n`).digest('hex'),
    ]),
  )
}
