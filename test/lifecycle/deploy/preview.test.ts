import { expect, it } from 'vitest'
import { annotations } from '../../../src/backends/kubernetes/names.ts'
import { jobObject } from '../../../src/backends/kubernetes/spec/pod-spec.ts'
import type { JobBackend, JobPlan } from '../../../src/job/backend.ts'
import { createPreview, type PreviewParts } from '../../../src/lifecycle/deploy/preview.ts'
import { shownUrl } from '../../../src/util/text/shown-url.ts'
import { clusterRequest } from '../../backends/kubernetes/request.ts'
import { settings } from '../../backends/kubernetes/spec/build-job.ts'

const preview: NonNullable<JobBackend['preview']> = async (plan: JobPlan) =>
  jobObject({ plan, settings, preStopToken: 't', environmentKinds: [], now: new Date(0) })
const parts = { backend: { preview } } as unknown as PreviewParts

it("shows a Job without what may be a key in its callback, and doesn't change the request", async () => {
  const callback = 'https://us3r:pa55@hook.example/x?key=s3cret#fragment'
  const request = clusterRequest('exit 0', { callback })
  const job = (await createPreview(parts, null).show(request)) as ReturnType<typeof jobObject>
  expect(JSON.stringify(job)).not.toMatch(/us3r|pa55|s3cret|fragment/)
  expect(JSON.parse(job.metadata?.annotations?.[annotations.request] ?? '')).toMatchObject({
    callback: 'https://hook.example/x',
  })
  expect(request.callback).toBe(callback)
})

it.each([
  ['https://hook.example/x?key=1', 'https://hook.example/x'],
  ['http://a:b@hook.example:8080/x/', 'http://hook.example:8080/x/'],
  ['https://user@hook.example/a%2Fb#c?d', 'https://hook.example/a%2Fb'],
])('of %s %s is shown', (text, shown) => {
  expect(shownUrl(text)).toBe(shown)
})
