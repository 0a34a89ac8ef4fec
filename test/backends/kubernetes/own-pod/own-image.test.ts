import { expect, it } from 'vitest'
import { readOwnImage } from '../../../../src/backends/kubernetes/own-pod/own-image.ts'
import { StartError } from '../../../../src/util/errors.ts'
import { answeringApi } from '../answering-api.ts'

const pod = { name: 'jobferry-1', uid: 'a' }
const containers = [
  { name: 'mesh', image: 'mesh:1' },
  { name: 'api', image: 'registry.example/jobferry@sha256:1' },
]

it("is the image of the API's container in the pod of that name and UID", async () => {
  const api = await answeringApi(({ searchParams }) => {
    const isOwn = searchParams.get('fieldSelector') === 'metadata.name=jobferry-1'
    return { metadata: {}, items: isOwn ? [{ metadata: pod, spec: { containers } }] : [] }
  })
  expect(await readOwnImage(api, pod)).toBe('registry.example/jobferry@sha256:1')
})

it.each([
  ['of another UID', { ...pod, uid: 'b' }],
  ['that no setting names', undefined],
])('is asked for by UPLOADER_IMAGE for a pod %s', async (_, own) => {
  const api = await answeringApi(() => ({ metadata: {}, items: [{ metadata: pod, spec: { containers } }] }))
  const refused = readOwnImage(api, own)
  await expect(refused).rejects.toThrow(StartError)
  await expect(refused).rejects.toThrow('settings: UPLOADER_IMAGE: missing')
})
