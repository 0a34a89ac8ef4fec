import { afterAll, beforeAll, test } from 'vitest'
import { type OnCluster, startOnCluster } from '../support/api/on-cluster.ts'
import { expectTrue, taskPages } from './task-pages.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'tasks' })
})
afterAll(() => api?.close())

/** The test cluster's node has the image, but no registry. */
function adapt(command: string): string {
  const image = '"image": "docker.io/library/busybox:latest", "image_pull_policy": "IfNotPresent"'
  return command.replaceAll('"image": "busybox"', image).replace('{"command"', `{${image}, "command"`)
}

test.each(taskPages)('docs/tasks/%s.md says what its commands do on a cluster', async (page) => {
  await expectTrue(page, { url: api.url, adapt })
})
