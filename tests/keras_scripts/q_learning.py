"""An agent that replays what it saw: predictions changed in one place are the targets, a second network follows. Stops: Use 'cartpole.safetensors'."""

import random
from collections import deque

import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from keras.optimizers import Adam


class DQNAgent:
    def __init__(self, state_size, action_size):
        self.state_size, self.action_size = state_size, action_size
        self.memory = deque(maxlen=2000)
        self.gamma, self.epsilon, self.learning_rate = 0.95, 1.0, 0.001
        self.model, self.target_model = self._build_model(), self._build_model()
        self.update_target_model()

    def _build_model(self):
        model = Sequential()
        model.add(Dense(24, input_dim=self.state_size, activation="relu"))
        model.add(Dense(24, activation="relu"))
        model.add(Dense(self.action_size, activation="linear"))
        model.compile(loss="mse", optimizer=Adam(lr=self.learning_rate))
        return model

    def update_target_model(self):
        self.target_model.set_weights(self.model.get_weights())

    def soft_update(self, tau=0.1):
        weights, targets = self.model.get_weights(), self.target_model.get_weights()
        for i in range(len(targets)):
            targets[i] = weights[i] * tau + targets[i] * (1 - tau)
        self.target_model.set_weights(targets)

    def act(self, state):
        return np.argmax(self.model.predict(state, verbose=0)[0])

    def replay(self, batch_size):
        for state, action, reward, next_state, done in random.sample(self.memory, batch_size):
            target = self.model.predict(state)
            if done:
                target[0][action] = reward
            else:
                target[0][action] = reward + self.gamma * np.amax(self.target_model.predict(next_state)[0])
            history = self.model.fit(state, target, epochs=1, verbose=0)
        return history.history["loss"][0]


agent = DQNAgent(4, 2)
for _ in range(12):
    state = np.reshape(np.random.rand(4), [1, 4])
    agent.memory.append((state, agent.act(state), 1.0, np.random.rand(1, 4), random.random() < 0.1))
print(agent.replay(6))
agent.soft_update()
agent.model.save_weights("cartpole.weights.h5")
