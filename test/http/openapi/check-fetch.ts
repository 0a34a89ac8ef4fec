const checked = Symbol.for('jobferry: fetch checks answers of the API')

/**
 * Lets fetch() reject if an answer of a Jobferry differs from the OpenAPI document: each file of tests loads
 * this. Bodies other than JSON are left alone.
 */
if (!(checked in globalThis)) {
  const plain = globalThis.fetch
  Object.assign(globalThis, { [checked]: true })
  globalThis.fetch = async (input, init) => {
    const response = await plain(input, init)
    if (isOfTheApi(response)) await check(input, init, response)
    return response
  }
}

/** Every answer of the API has both, and no program that the tests call besides. */
function isOfTheApi({ headers, redirected }: Response): boolean {
  return !redirected && headers.has('x-request-id') && headers.has('cross-origin-resource-policy')
}

async function check(
  input: string | URL | Request,
  init: RequestInit | undefined,
  response: Response,
): Promise<void> {
  const method = init?.method ?? (input instanceof Request ? input.method : 'GET')
  const { pathname, search } = new URL(input instanceof Request ? input.url : input)
  const headers = Object.fromEntries(response.headers)
  const isJson = /^application\/(?:problem\+)?json\b/.test(headers['content-type'] ?? '')
  const body = isJson ? Buffer.from(await response.clone().arrayBuffer()) : undefined
  // Only now: the document's modules take longer to load than many a file that asks no API.
  const { checkAnswer } = await import('../check-answer.ts')
  checkAnswer(method.toUpperCase(), `${pathname}${search}`, { status: response.status, headers, body })
}
