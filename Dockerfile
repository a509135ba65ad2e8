# Build: types are checked and stripped, then only what runs is kept.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY config/tidegate.yaml /etc/tidegate/tidegate.yaml
RUN mkdir -p /etc/tidegate/state && chown node:node /etc/tidegate/state
USER node
EXPOSE 8080 9900
# The admin server stays on the container's loopback unless the configuration opens it (then with a token).
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9900/livez').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Young objects in at most 2 x 16 MiB per thread, which counts with thousands of services (docs/decisions/0035-many-services.md).
ENTRYPOINT ["node", "--max-semi-space-size=16", "dist/cli.js"]
CMD ["start", "-c", "/etc/tidegate/tidegate.yaml"]
