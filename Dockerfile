# One image for both programs: the API is its entrypoint, a job's pod runs /app/supervise.sh.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY build.ts ./
COPY src src
COPY sidecar sidecar
RUN npm run build

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Jobferry" \
      org.opencontainers.image.description="Runs a container as a Kubernetes Job for one HTTP call and gives its files back, byte for byte." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production JOBS_DIRECTORY=/app/jobs
WORKDIR /app
COPY --from=build /app/dist ./
COPY package.json LICENSE ./
COPY manifests/jobs jobs
USER 1000:1000
EXPOSE 8888
# A small young generation and one malloc arena: docs/decisions/dependencies/003-memory-settings-of-the-image.md
ENV MALLOC_ARENA_MAX=1
ENTRYPOINT ["node", "--max-semi-space-size=1", "/app/server.js"]
