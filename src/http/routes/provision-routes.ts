import { Router } from 'express'
import { requestedDataset } from '../../dataspaces/datasets/requested-dataset.ts'
import { parseProvisionRequest } from '../../dataspaces/provisioning/provision-request.ts'
import { jobLinks } from '../../job/links.ts'
import { messageOf } from '../../util/errors.ts'
import { provisionPath } from '../auth/provision-guard.ts'
import { readJsonBody } from '../input/body.ts'
import { readQuery } from '../input/query.ts'
import type { HttpOptions } from '../options.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

/** `POST /provision`, for both generations of the connectors' provision-http. */
export function provisionRoutes(services: Services, options: Pick<HttpOptions, 'publicUrl'>): Router {
  const { provisioning, datasets, configured } = services
  const router = Router()
  route(router, provisionPath, {
    async post(req, res) {
      const query = readQuery(req, ['job', 'file', 'asset', 'access_token'])
      const request = parseProvisionRequest(await readJsonBody(req))
      const [job, file, assetInAddress] = ['job', 'file', 'asset'].map((name) => query.get(name))
      const { uuid, answered } =
        request.type === 'deprovision'
          ? await provisioning.deprovision(request)
          : await provisioning.provision(
              request,
              () => {
                const given = { job, file, assetInAddress, asset: request.asset }
                return requestedDataset(given, datasets, configured)
              },
              res.locals.token as string | undefined,
            )
      // Begin the next steps after the answer: an earlier callback makes the connector lose the
      // transfer.
      res.once('finish', () => {
        answered().catch((error: unknown) => {
          if (services.shutdown.aborted) return
          services.log.warn(
            { job: uuid, error: messageOf(error) },
            'the steps after an answer failed; they are repeated later',
          )
        })
      })
      res.json(uuid === undefined ? {} : { job_uuid: uuid, links: jobLinks(uuid, options.publicUrl) })
    },
  })
  return router
}
