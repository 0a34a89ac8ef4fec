import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { start } from '../../src/server.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'

/* Nothing listens on port 1: the API listens, and waits for cluster and store. */

const kubeconfig = `
apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
users: [{name: none, user: {}}]
current-context: none
`

it.each([
  ['warns once that callers may ask for everything, and names a careful policy', undefined, 1],
  ['does not warn with a policy', 'images: all\n', 0],
])('at start on a cluster the API %s', async (_, policy, warnings) => {
  const folder = temporaryFolder()
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const warned = (
    await logUntilListening({
      KUBECONFIG: file('kubeconfig', kubeconfig),
      UPLOADER_IMAGE: 'jobferry',
      S3_ENDPOINT: 'http://127.0.0.1:1',
      S3_ACCESS_KEY: 'a',
      S3_SECRET_KEY: 'b',
      ...(policy === undefined ? {} : { POLICY_FILE: file('policy.yaml', policy) }),
    })
  ).filter((line) => line.includes('POLICY_FILE'))
  expect(warned).toHaveLength(warnings)
  for (const line of warned) {
    expect(JSON.parse(line)).toMatchObject({
      level: pino.levels.values.warn,
      msg: expect.stringMatching(/every image, service account, claim, .*manifests\/base\/policy\.yaml/),
    })
  }
})

/** The lines of the log from the start until the API listens; then the start is ended. */
async function logUntilListening(environment: Record<string, string>): Promise<string[]> {
  const listening = new AbortController()
  const lines: string[] = []
  const sink = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line))
      if (String(line).includes('"msg":"listening"')) listening.abort()
      done()
    },
  })
  const starting = start(loadConfig({ PORT: '0', ...environment }), pino(sink), listening.signal)
  await expect(starting).rejects.toThrow('aborted')
  return lines
}
