FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production \
    MALLOC_MMAP_THRESHOLD_=1048576 \
    COTERIE_BIND=0.0.0.0
COPY package.json LICENSE ./
COPY config ./config
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER node
EXPOSE 6379 16379
# Asks the node at COTERIE_PORT: set port and password in the environment here, not by flags or a file.
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s --retries=3 CMD ["node", "dist/main.js", "status"]
ENTRYPOINT ["node", "--max-semi-space-size=16", "--v8-pool-size=0", "dist/main.js"]
CMD ["start"]
