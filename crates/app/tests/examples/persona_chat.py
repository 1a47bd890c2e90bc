import requests

# Authentication
auth_response = requests.post("http://localhost:8000/auth/login", json={
    "username": "user@example.com",
    "password": "password123"
})
token = auth_response.json()["access_token"]
headers = {"Authorization": f"Bearer {token}"}

# Create a conversation
conv_response = requests.post("http://localhost:8000/chat/conversations", json={
    "title": "Chat with My Friend Alex",
    "persona_id": 1
}, headers=headers)
conversation_id = conv_response.json()["id"]

# Send a message
chat_response = requests.post(f"http://localhost:8000/chat/conversations/{conversation_id}/send", json={
    "content": "Hi Alex! How are you doing today?"
}, headers=headers)

# Get the AI response
ai_message = chat_response.json()["assistant_message"]["content"]
print(f"AI Response: {ai_message}")
